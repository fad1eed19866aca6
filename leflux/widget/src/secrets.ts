// What looks like a secret in a text of the page: keys and tokens, cards, bank accounts, one-time codes. The server has the
// same rules for what visitors say (`leflux/chat/secrets.py`). Every pattern has bounds, so that no text takes long.

export const HIDDEN = "•••";

const TOKENS = [
  /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]{0,8000}?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)/g,
  /\beyJ[\w-]{5,4000}\.[\w-]{5,4000}(?:\.[\w-]{0,4000})?/g,
  /\b(?:sk|pk|rk|whsec)[-_][\w-]{16,250}/g,
  /\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|npm_|hf_|shpat_|dop_v1_)[\w-]{16,250}/g,
  /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g,
  /\bAIza[\w-]{30,60}/g,
  /\b(?:SG|ya29)\.[\w.-]{20,250}/g,
  /\bBearer\s{1,5}[\w.~+/=-]{16,4000}/gi,
  /\b[0-9a-f]{32,256}\b/gi,
  /\b(?=[\w-]{0,60}\d)(?=[\w-]{0,60}[a-z])(?=[\w-]{0,60}[A-Z])[\w-]{32,256}/g,
];
const ASSIGNED =
  /((?:pass(?:word|wort|code)?|pwd|secret|token|api[_ -]?key|access[_ -]?key|client[_ -]?secret)["']?\s{0,3}[:=]\s{0,3}["']?)([^\s"'<>,;]{4,250})/gi;
const CARD = /\d(?:[ .-]?\d){12,18}(?!\d)/g;
const IBAN = /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b/g;
const CODE =
  /((?:zip|postal|post|area|country|dialling|promo|discount|voucher|qr|source|product|item)[ -])?((?:code|otp|pin|tan|passcode|einmalcode|sicherheitscode|bestätigungscode|kod|código|codigo|codice|コード|暗証番号|رمز|الرمز)[^\d\n]{0,30}?\n?[^\d\n]{0,10}?)(\d{3}[ -]\d{3}|\d{4,8})(?![\d.,]?\d)/giu;

/** The text with `HIDDEN` in place of what looks like a secret. */
export function hideSecrets(text: string): string {
  let clean = text;
  for (const pattern of TOKENS) clean = clean.replace(pattern, HIDDEN);
  return clean
    .replace(ASSIGNED, `$1${HIDDEN}`)
    .replace(CARD, (found) => (isCard(found) ? HIDDEN : found))
    .replace(IBAN, hideAccount)
    .replace(CODE, (found: string, other: string | undefined, lead: string) => (other === undefined ? lead + HIDDEN : found));
}

/** Luhn's check number. */
function isCard(text: string): boolean {
  const digits = [...text.replace(/\D/g, "")].reverse().map(Number);
  const sum = digits.reduce((total, digit, index) => total + (index % 2 === 0 ? digit : ((2 * digit) % 10) + Math.floor(digit / 5)), 0);
  return sum % 10 === 0 && new Set(digits).size > 1;
}

/** Hides the longest beginning that is an account by its check number: words in capitals may follow it. */
function hideAccount(found: string): string {
  for (let end = found.length; end >= 15; end -= 1) {
    const account = found.slice(0, end).replace(/ /g, "");
    if (found[end - 1] !== " " && account.length >= 15 && isAccount(account)) return HIDDEN + found.slice(end);
  }
  return found;
}

function isAccount(account: string): boolean {
  let rest = 0;
  for (const char of account.slice(4) + account.slice(0, 4)) {
    const value = Number.parseInt(char, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}
