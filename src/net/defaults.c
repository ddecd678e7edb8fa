/* What a server is that nobody said anything of. */
#include "server.h"

struct server_config server_config_default(void)
{
    return (struct server_config){
        .hub = hub_config_default(),
        .bus = nats_client_config_default(),
        .base_path = "",
        .unix_mode = 0666,
        .reserve_bytes = 4 << 20,
        .callers_max = 1024,
        .uploads_max = 1024,
        .early_bytes_max = 16 << 20,
        .outbox_bytes_max = 3 << 20,
        .outbox_bytes_soft = 1 << 20,
        .queued_bytes_max = 192 << 20,
        .write_ms = 10000,
        .ping_ms = 25000,
        .hang_up_ms = 35000,
        .drain_ms = 2000,
        .fetch_ms = 30000,
        .header_seconds = 10,
    };
}
