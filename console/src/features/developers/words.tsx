/** A sentence of the document; what stands in backquotes there is code. */
export function Words({ text }: { text: string }) {
  return text.split("`").map((part, index) =>
    index % 2 === 1 ? (
      <code key={index} className="font-mono text-foreground">
        {part}
      </code>
    ) : (
      part
    ),
  );
}
