// The calls to `/api/admin`, with the CSRF token and the handling of an expired sign-in.

import { BASE_PATH } from "./router.js";

const BASE = `${BASE_PATH}/api/admin`;

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

  /** The rejected member of the body, such as `idleTtlMs`, or null. */
  get field(): string | null {
    const path = this.details["path"] ?? this.details["field"];
    return typeof path === "string" ? path.replace(/^\$\.?/, "") : null;
  }
}

export const api = {
  csrf: "",
  /** Called when the sign-in has expired. */
  signedOut: (): void => undefined,
};

interface Options {
  body?: unknown;
  signal?: AbortSignal;
}

/** Returns the answer's JSON. Throws `ApiError`, with status 0 when the server cannot be reached. */
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

/** The connection may break before or within the answer's body. */
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

/** The API path below `/sites/<id>`. */
export const ofSite = (siteId: string, rest: string): string => `/sites/${encodeURIComponent(siteId)}${rest}`;

/** The address of a download link. */
export const download = (siteId: string, query: string): string => BASE + ofSite(siteId, `/export?${query}`);
