import { memo } from "react";
import { tokenize, type TokenKind } from "./json-text";

const COLOUR: Partial<Record<TokenKind, string>> = {
  key: "text-primary",
  string: "text-operational",
  number: "text-maintenance",
  word: "text-degraded",
  mark: "text-muted-foreground",
  wrong: "text-down underline decoration-wavy",
};

/** Beyond it colouring would cost more than it helps. */
const MOST_CHARS = 100_000;

/** A text in the colours of JSON. */
export const JsonText = memo(function JsonText({ text }: { text: string }) {
  if (text.length > MOST_CHARS) return text;
  return tokenize(text).map(({ kind, text: part }, index) =>
    COLOUR[kind] ? (
      <span key={index} className={COLOUR[kind]}>
        {part}
      </span>
    ) : (
      part
    ),
  );
});
