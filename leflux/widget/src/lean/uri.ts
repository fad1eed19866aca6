// Addresses, read by the browser, in place of engine.io-client's own reader.

export interface Uri {
  source: string;
  protocol: string;
  host: string;
  port: string;
  path: string;
  query: string;
}

/** The parts as socket.io-client wants them: without their marks, and the port empty where it is the protocol's own. */
export function parse(address: string): Uri {
  const { protocol, hostname, port, pathname, search } = new URL(address);
  const host = hostname.replace(/^\[|]$/g, "");
  return { source: address, protocol: protocol.slice(0, -1), host, port, path: pathname, query: search.slice(1) };
}
