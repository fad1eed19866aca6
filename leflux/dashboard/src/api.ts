// Every call to `/api/admin`. One place knows of the CSRF token and of a session that has ended.

const BASE = "/api/admin";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Record<string, unknown> = {},
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }

  /** The member of the body that was refused, such as `idleTtlMs`, or null. */
  get field(): string | null {
    const path = this.details["path"] ?? this.details["field"];
    return typeof path === "string" ? path.replace(/^\$\.?/, "") : null;
  }
}

export const api = {
  csrf: "",
  /** Called when a call that was signed in no longer is. */
  signedOut: (): void => undefined,
};

interface Options {
  body?: unknown;
  signal?: AbortSignal;
}

/** The answer's JSON. Raises `ApiError`, also (status 0) when the server cannot be reached. */
export async function call<T>(method: string, path: string, { body, signal }: Options = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = api.csrf;
  const request: RequestInit = {
    method,
    headers,
    body: body === undefined ? null : JSON.stringify(body),
    signal: signal ?? null,
    credentials: "same-origin",
  };
  const answer = await reached(() => fetch(BASE + path, request), signal);
  if (answer.ok) return (await reached(() => answer.json(), signal)) as T;
  const error = problem(answer, await parsed(answer));
  if (error.status === 401 && path !== "/login" && path !== "/me") api.signedOut();
  throw error;
}

/** An answer may break off at its head or in its body. */
async function reached<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "unreachable", "The server cannot be reached. Check the connection, then try again.");
  }
}

async function parsed(answer: Response): Promise<Record<string, unknown>> {
  try {
    return (await answer.json()) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function problem(answer: Response, json: Record<string, unknown>): ApiError {
  const retry = Number(answer.headers.get("Retry-After"));
  return new ApiError(
    answer.status,
    String(json["error"] ?? "internal_error"),
    String(json["message"] ?? "The server gave an answer that this page does not understand."),
    (json["details"] as Record<string, unknown> | undefined) ?? {},
    retry > 0 ? retry : null,
  );
}

export const get = <T>(path: string, signal?: AbortSignal): Promise<T> => call("GET", path, signal ? { signal } : {});

/** `/sites/<id>` and what follows. */
export const ofSite = (siteId: string, rest: string): string => `/sites/${encodeURIComponent(siteId)}${rest}`;

/** The address of a download, for a link. */
export const download = (siteId: string, query: string): string => BASE + ofSite(siteId, `/export?${query}`);
