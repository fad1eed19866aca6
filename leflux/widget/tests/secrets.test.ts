// What looks like a secret. The cases are those of the server's test, too.
import { expect, it } from "vitest";
import cases from "../../../tests/secrets.json";
import { HIDDEN, hideSecrets } from "../src/secrets.js";

it.each(cases.hidden as [string, string, string][])("%s is hidden", (_, text, secret) => {
  expect(hideSecrets(text)).not.toContain(secret);
  expect(hideSecrets(text)).toContain(HIDDEN);
});

it.each(cases.shown as [string, string][])("%s is no secret", (_, text) => {
  expect(hideSecrets(text)).toBe(text);
});

it.each([
  ["DE89 3704 0044 0532 0130 00", HIDDEN],
  ["GB82WEST12345698765432", HIDDEN],
  ["IBAN DE89 3704 0044 0532 0130 00 BIC", `IBAN ${HIDDEN} BIC`],
  ["DE89 3704 0044 0532 0130 01", "DE89 3704 0044 0532 0130 01"],
])("the account %s becomes %s", (text, hidden) => {
  expect(hideSecrets(text)).toBe(hidden);
});

it.each([
  "Your verification code is 123456", "Ihr Code: 123 456", "Votre code est le 123456", "Su código es 123456", "Il codice è 123456",
  "Je code is 123456", "Twój kod to 123456", "O seu código: 123456", "認証コード: 123456", "رمز التحقق 123456", "Your OTP\n123456", "PIN 1234",
])("a one-time code is hidden: %s", (text) => {
  expect(hideSecrets(text)).not.toMatch(/123 ?4/);
});

it.each(["Postal code 12345", "Promo code 2026", "1234 reviews", "code A1", "The code costs 129.00"])("%s is no one-time code", (text) => {
  expect(hideSecrets(text)).toBe(text);
});

it("no text takes long", () => {
  for (const part of ["4", "eyJ", "code ", "a-", "DE12 ", "token=", "A1b-", "-----BEGIN PRIVATE KEY-----"]) {
    expect(hideSecrets(part.repeat(20_000)).length).toBeGreaterThan(0);
  }
});
