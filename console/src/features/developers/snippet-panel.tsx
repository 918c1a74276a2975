"use client";

import { useState } from "react";
import { CopyButton } from "@/components/copy-button";
import { LANGUAGES, snippet, type Built, type Language } from "./request";

/** The same request for a shell or a program. */
export function SnippetPanel({ built }: { built: Built }) {
  const [language, setLanguage] = useState<Language>("curl");
  const text = snippet(language, built, location.origin); // only ever drawn in a browser
  return (
    <section aria-label="As code" className="min-w-0 rounded-md border bg-card">
      <div className="flex items-center justify-between border-b py-1 pr-1 pl-2">
        <span role="group" aria-label="Language" className="flex gap-0.5">
          {LANGUAGES.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={each === language}
              onClick={() => setLanguage(each)}
              className="h-6 rounded-sm px-2 text-xs text-muted-foreground hover:text-foreground aria-pressed:bg-accent aria-pressed:font-medium aria-pressed:text-foreground"
            >
              {each}
            </button>
          ))}
        </span>
        <span className="ml-auto text-2xs text-muted-foreground max-md:sr-only">
          an API key comes from the variable EM_KEY
        </span>
        <CopyButton text={text} label={`Copy as ${language}`} />
      </div>
      <pre
        tabIndex={0}
        aria-label={`The request as ${language}`}
        className="focus-inset max-h-80 overflow-auto px-3 py-2 font-mono text-xs leading-5"
      >
        {text}
      </pre>
    </section>
  );
}
