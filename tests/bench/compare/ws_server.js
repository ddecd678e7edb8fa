// Publish and subscribe on `ws`, as its own examples do it: "s TOPIC" subscribes, "p TOPIC TEXT"
// sends TEXT to all who did.
//
//   node ws_server.js PORT

import { WebSocketServer } from 'ws';

const topics = new Map();
const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2]), perMessageDeflate: false, backlog: 4096 });

server.on('connection', (socket) => {
  socket.on('message', (data) => {
    const [verb, topic, ...rest] = data.toString().split(' ');
    if (verb === 's') {
      if (!topics.has(topic)) topics.set(topic, new Set());
      topics.get(topic).add(socket);
      socket.send('ok');
    } else {
      const text = rest.join(' ');
      for (const subscriber of topics.get(topic) ?? []) subscriber.send(text);
    }
  });
});
