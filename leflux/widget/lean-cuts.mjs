// What is left out of the modules of socket.io-client and engine.io-client, as they are in the versions of lean.mjs.

/** Members of classes that nothing calls. */
export const UNUSED = {
  "socket.io-client/build/esm/socket.js": [
    "disconnected", "open", "send", "close", "compress", "volatile", "ack", "_addToQueue", "_drainQueue",
    "onAny", "prependAny", "offAny", "listenersAny",
    "onAnyOutgoing", "prependAnyOutgoing", "offAnyOutgoing", "listenersAnyOutgoing", "notifyOutgoingListeners",
  ],
  "socket.io-client/build/esm/manager.js": [
    "connect", "disconnect", "onping",
    "reconnection", "reconnectionAttempts", "reconnectionDelay", "randomizationFactor", "reconnectionDelayMax", "timeout",
  ],
  "engine.io-client/build/esm/socket.js": ["send"],
};

/**
 * Passages for options that connection.ts does not set, for Node.js, for other browsers than ours and for binary data:
 * from the first text up to, and without, the second; what takes their place, if anything.
 */
export const CUTS = {
  "socket.io-client/build/esm/socket.js": [
    ["const RESERVED_EVENTS", "/**\n * A Socket is"],
    ["if (this.io._autoConnect)", "}\n    /**"],
    ["if (RESERVED_EVENTS", "args.unshift(ev)"],
    ["if (this._opts.retries", "const packet"],
    ["packet.options = {}", "// event ack"],
    ["const isTransportWritable", "const isConnected"],
    ["const discardPacket", "if (isConnected)"],
    ["this.notifyOutgoingListeners(packet);\n            this.packet(packet);\n        }\n        else", "this.packet(packet);\n        }\n        else"],
    ["this.notifyOutgoingListeners(packet);\n            this.packet(packet);\n        });", "this.packet(packet);\n        });"],
    ["data: this._pid", "});", "data"],
    ["if (null != packet.id)", "if (this.connected) {\n            this.emitEvent"],
    ["if (this._anyListeners", "super.emit.apply"],
    ["if (this._pid", "}\n    /**"],
    ["this.recovered = pid", "this.connected = true"],
    ["this._drainQueue(true)", 'this.emitReserved("connect")'],
    ['"It seems you', "));", '"no session"'],
    ["case PacketType.BINARY_EVENT", "this.onevent"],
    ["case PacketType.BINARY_ACK", "this.onack"],
  ],
  "socket.io-client/build/esm/manager.js": [
    ['if (uri && "object"', "opts.path ="],
    ["this.reconnection(opts", 'this._readyState = "closed"', `
      this._reconnection = true;
      this._reconnectionAttempts = Infinity;
      this.backoff = new Backoff({ min: opts.reconnectionDelay, max: opts.reconnectionDelayMax, jitter: 0.5 });
      this._timeout = opts.timeout;`],
    ["const _parser", "this._autoConnect =", "this.encoder = new parser.Encoder(); this.decoder = new parser.Decoder();"],
    ["this._autoConnect =", "}\n"],
    ["else if (this._autoConnect", "return socket"],
    ['on(socket, "ping"', 'on(socket, "data"'],
    ["if (false !== this._timeout) {", "const timeout", "{"],
  ],
  "socket.io-client/build/esm/contrib/backo2.js": [
    ["opts = opts ||", "this.attempts = 0", "this.ms = opts.min; this.max = opts.max; this.factor = 2; this.jitter = opts.jitter;"],
    ["/**\n * Set the minimum", null],
  ],
  "engine.io-client/build/esm/socket.js": [
    ["const withEventListeners", "const OFFLINE"],
    ["if (withEventListeners) {\n    // within", "addEventListener(", "{"],
    ['if (uri && "object"', "if (uri) {"],
    ["if (parsedUri.query)", "}\n"],
    ["else if (opts.host)", "installTimerFunctions(this"],
    ["this.secure =\n", "if (opts.hostname && !opts.port)", "this.secure = opts.secure;"],
    ["this.hostname =\n", "this.opts = Object.assign({\n", `
      this.hostname = opts.hostname;
      this.port = opts.port;
      this.transports = [...opts.transports];
      this._transportsByName = DEFAULT_TRANSPORTS;`],
    ['path: "/engine.io"', "}, opts);", 'upgrade: true, timestampParam: "t", transportOptions: {},'],
    ["this.opts.path =", 'if (this.hostname !== "localhost")', 'this.opts.path += "/"; {'],
    ["if (this.opts.withCredentials)", "this._open();"],
    // Listened to before it is opened: a constructor that is missing, or throws, gives way to the next transport.
    ["transport.open();\n        this.setTransport(transport)", ";\n    }", "this.setTransport(transport); transport.open()"],
    ["if (this.transports.length === 0)", 'this.readyState = "opening"', "const transportName = this.transports[0];"],
    ["if (this._upgrades.indexOf", "transport.open();\n        }\n    }", "{"],
    ["if (this.opts.autoUnref)", "}\n    /**\n     * Called on"],
    ['if ("function" === typeof data)', 'if ("closing"'],
    ["options = options ||", "const packet"],
    ["if (fn)", "this.flush();"],
    ["if (withEventListeners) {\n                if", "if (this._offlineEventListener)", "{"],
    ["Socket.protocol", null],
  ],
  "engine.io-client/build/esm/util.js": [
    ["const NATIVE_SET", "export function"],
    ["if (opts.useNativeTimers)", "obj.setTimeoutFn = globalThis", "{"],
    ['if (typeof obj === "string")', "}\nfunction utf8", "return utf8Length(obj);"],
  ],
  "engine.io-client/build/esm/globals.js": [["const isPromiseAvailable", "})();", "return (callback) => Promise.resolve().then(callback);"]],
  "engine.io-client/build/esm/transports/websocket.js": [
    ["const isReactNative", "export class BaseWS"],
    ["const protocols", "try {"],
    ["this.createSocket(uri, protocols, opts)", ";", "this.createSocket(uri)"],
    ["if (this.opts.autoUnref)", "this.onOpen()"],
    ["return !isReactNative", "}\n    doWrite", "return new WebSocketCtor(uri);"],
    ["|| globalThis.Moz", ";"],
    ["// communicate binary", "return this.createUri"],
  ],
  "engine.io-client/build/esm/transports/polling.js": [["if (!this.supportsBinary", "return this.createUri"]],
  "@socket.io/component-emitter/lib/esm/index.js": [
    ["if (obj) return", "}"],
    ["function mixin", "/**\n * Listen"],
    ["/**\n * Return array", null],
  ],
};
