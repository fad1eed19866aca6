// What stands in for parts of socket.io-client was read against exact versions of it.
import { expect, it } from "vitest";
import { VERSIONS, checkVersions } from "../../lean.mjs";

it("the installed versions are those that were read", () => {
  expect(() => checkVersions()).not.toThrow();
});

it.each(Object.keys(VERSIONS))("another version of %s stops the build", (name) => {
  expect(() => checkVersions({ ...VERSIONS, [name]: "0.0.0" })).toThrow(name);
});
