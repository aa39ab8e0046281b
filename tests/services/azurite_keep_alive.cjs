// Azure keeps an idle connection for minutes. Azurite overlooks its own option for that, and Node
// closes it after five seconds, which may be when a client on a busy machine sends its next request.
const { Server } = require("node:http");

const { listen } = Server.prototype;
Server.prototype.listen = function (...given) {
  this.keepAliveTimeout = 600_000;
  return listen.apply(this, given);
};
