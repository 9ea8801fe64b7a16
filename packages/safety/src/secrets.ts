/** Keys and tokens by the form that their issuers give them. Linear: no nested quantifiers over the same characters. */
const SECRET =
  /\b(?:sk-[\w-]{20,}|mcp_[\w-]{43}|gh[pousr]_\w{36,}|xox[abprs]-[\w-]{10,}|AKIA[A-Z0-9]{16}|AIza[\w-]{35}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----/;

/** The text without them. */
export function withoutSecrets(text: string, instead: string): string {
  return text.replace(new RegExp(SECRET, 'g'), instead);
}

export function hasSecret(text: string): boolean {
  return SECRET.test(text);
}
