/* Everything that can be logged: a row here is a row in docs/operations.md, "Logs". What a
   client does is never above debug. */
#ifndef WHILST_NET_LOG_EVENTS_H
#define WHILST_NET_LOG_EVENTS_H

/* X(ID, name, level, meaning): one row an event. */
/* clang-format off */
#define LOG_EVENTS(X)                                                                      \
    X(LISTENING, "listening", INFO, "it serves at this address; in the text form: listening on ADDRESS") \
    X(STOPPING, "stopping", INFO, "a signal came, or the operator said so: the drain begins") \
    X(HANDED_OVER, "handed_over", INFO, "a successor serves; this process drains") \
    X(HAND_OVER_FAILED, "hand_over_failed", WARN, "the successor ended, or did not serve within 30 s; this process goes on") \
    X(PREDECESSOR_GONE, "predecessor_gone", INFO, "the process before this one has ended; its holders are waited for no longer than `--grace`") \
    X(ADMIN, "admin", INFO, "the operator did something (`did=drop`, `block`, `close`, `log_level`)") \
    X(DESCRIPTORS_EXHAUSTED, "descriptors_exhausted", WARN, "accepting failed for want of descriptors; the caller was turned away") \
    X(MAX_CONNECTIONS_LOWERED, "max_connections_lowered", WARN, "the hard limit of descriptors does not allow as many sessions as were asked for") \
    X(ACCEPT_FAILED, "accept_failed", WARN, "accepting failed, mostly for want of memory: callers wait until it is tried again, 100 ms later") \
    X(DENY_LIST_READ, "deny_list_read", INFO, "the deny list was read again, with so many pages") \
    X(DENY_LIST_REFUSED, "deny_list_refused", WARN, "it was not: the line is wrong, or the file cannot be read; the old list stays in force") \
    X(DENY_LIST_UNWATCHED, "deny_list_unwatched", WARN, "changes to it are not noticed by themselves: send SIGHUP") \
    X(CONFIG_READ, "config_read", INFO, "the configuration was read again; so many options changed") \
    X(CONFIG_CHANGED, "config_changed", INFO, "an option that changed, and is in force now") \
    X(CONFIG_NEEDS_RESTART, "config_needs_restart", WARN, "an option that changed in the configuration, but not in the running server") \
    X(CONFIG_MISTAKE, "config_mistake", WARN, "what is wrong in the configuration, and where") \
    X(CONFIG_REFUSED, "config_refused", WARN, "it has so many mistakes: nothing changes") \
    X(CERTIFICATE_READ, "certificate_read", INFO, "certificate and key were read again; when it expires, in seconds since 1970") \
    X(CERTIFICATE_REFUSED, "certificate_refused", WARN, "they were not: which file, and why; the old ones stay in force") \
    X(CERTIFICATE_UNWATCHED, "certificate_unwatched", WARN, "changes to them are not noticed by themselves: send SIGHUP") \
    X(BECAME, "became", INFO, "root's privileges were given up: from now on it is this user") \
    X(FILE_OUT_OF_REACH, "file_out_of_reach", WARN, "this user cannot read a file that root could, or run the program: a reload, or a successor, will fail by it") \
    X(BUS_UP, "bus_up", INFO, "a bus server was reached") \
    X(BUS_MOVES, "bus_moves", INFO, "the bus server said that it is going away: the connection moves to another") \
    X(BUS_DOWN, "bus_down", WARN, "the connection to the bus server was lost, and is made again") \
    X(BUS_FAILED, "bus_failed", WARN, "a bus server was not reached; said once of each, until one is") \
    X(BUS_FAILED_AGAIN, "bus_failed_again", DEBUG, "nor was it again") \
    X(BUS_ALONE, "bus_alone", WARN, "no bus server could be reached at the start: this node serves alone, and goes on trying") \
    X(BUS_NAME_TAKEN, "bus_name_taken", ERROR, "another node has this one's name: this one serves alone") \
    X(BUS_ERROR, "bus_error", WARN, "a bus server complained") \
    X(BUS_TOO_LARGE, "bus_too_large", DEBUG, "a message of the bus was larger than any of ours, and was skipped") \
    X(BUS_REFUSED, "bus_refused", WARN, "what came on the bus was refused: for what reason, and on which subject") \
    X(PARTNER_DEAF, "partner_deaf", WARN, "a partner had too much refused, and is not listened to for a while") \
    X(SOCKETS_NOT_USED, "sockets_not_used", WARN, "sockets were passed that no `--listen` names; they were closed") \
    X(SELF_CHECK_FAILED, "self_check_failed", ERROR, "the hub did not answer or a listener is gone: the watchdog is not fed, and the manager will start the server again") \
    X(LIMITED, "log_limited", WARN, "so many lines of an event were held back") \
    X(DROPPED, "log_dropped", WARN, "so many lines were lost, because nobody read standard error") \
    X(SESSION_OPENED, "session_opened", DEBUG, "a client is connected, or asks for a page over HTTP") \
    X(SESSION_REFUSED, "session_refused", DEBUG, "it is not, for this reason")             \
    X(SESSION_CLOSED, "session_closed", DEBUG, "the server closes a session, with this code and reason") \
    X(SESSION_GONE, "session_gone", DEBUG, "a session's connection is gone")               \
    X(LIBRARY, "library", DEBUG, "what libwebsockets says")
/* clang-format on */

#endif
