export const VERSIONS: Record<string, string>;
export function checkVersions(versions?: Record<string, string>): void;
