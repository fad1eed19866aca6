// Names of properties that the bundle shortens. None of them may go over the wire or into the storage, be known to the
// page (leflux.d.ts), or be one of the browser's: tests/lean/names.test.ts.

/** What socket.io-client and engine.io-client call their parts; connection.ts calls them the same. */
export const LIBRARY = [
  "ack", "acks", "ackTimeout", "addEventListeners", "addTrailingSlash", "attempts", "autoConnect", "autoUnref",
  "backoff", "cleanup", "clearTimeoutFn", "createSocket", "createTransport", "createUri", "decoder", "doClose",
  "doOpen", "doPoll", "doWrite", "emitBuffered", "emitEvent", "emitReserved", "emitWithAck", "encoder", "engine",
  "extraHeaders", "forceBase64", "maybeReconnectOnOpen", "nsps", "onack", "onClose", "ondata", "onData", "ondecoded",
  "onError", "onevent", "onHandshake", "onOpen", "onPacket", "onpacket", "onreconnect", "opts",
  "priorWebsocketSuccess", "receiveBuffer", "reconnect", "reconnectionDelay", "reconnectionDelayMax", "recovered",
  "removeAllListeners", "sendBuffer", "setTimeoutFn", "setTransport", "skipReconnect", "subEvents", "subs",
  "supportsBinary", "timestampParam", "timestampRequests", "transportOptions", "tryAllTransports", "upgrading",
  "withError",
];

/** What our own classes call theirs. One that is missing here costs some bytes, and nothing else. */
export const OWN = [
  "announce", "announcer", "asked", "attend", "awayMs", "awaySince", "baton", "bySeq", "cancelTask", "checkStorage",
  "claim", "clearedElsewhere", "clientIds", "composer", "courier", "deliver", "describe", "desk", "divider",
  "dropped", "drops", "env", "eraseGone", "focusInput", "follow", "giveUp", "grant", "granted", "handlers", "hangUp",
  "hasBegun", "hasWaiting", "heardAt", "highest", "holder", "holdOn", "hurry", "initIfNeeded", "inspector", "isDone",
  "isDown", "isDrawing", "isDue", "isInUse", "isJoined", "isOwner", "isRefused", "isReplyDue", "isStale", "isStored",
  "joining", "lastUsed", "launcherShown", "leave", "leaveFor", "letGo", "merge", "opening", "outboxChanged",
  "perform", "reading", "readPages", "reconciled", "redraw", "rejoin", "reopen", "requestSession", "reread", "retire",
  "seat", "setDraft", "settle", "setTyping", "sitter", "spoken", "standBy", "starting", "startSession",
  "storageChanged", "storageTrouble", "streamed", "streamOf", "sync", "tabs", "taking", "timers", "tries", "unkept",
  "viewState", "wake", "wanted", "wasCleared", "watcher", "wipe", "wouldGap",
];

export const INTERNAL = new RegExp(`^(?:_[a-z]\\w*|${[...LIBRARY, ...OWN].join("|")})$`);
