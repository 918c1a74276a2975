"use client";

import { Check } from "lucide-react";
import { useRef } from "react";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { addCondition, FILTER_WORDS } from "./filter-words";

/** Which of the events, in the language of lists; the service says at once whether it understands. */
export function FilterField({
  value,
  onChange,
  error,
  fits,
}: {
  value: string;
  onChange: (filter: string) => void;
  error: string | undefined;
  fits: boolean;
}) {
  const field = useRef<HTMLInputElement>(null);
  return (
    <Field
      label="Filter"
      aside="optional"
      error={error}
      hint={
        <>
          {fits ? (
            <p role="status" className="mb-1 flex items-center gap-1 text-operational">
              <Check aria-hidden className="size-3.5" />
              The service understands it.
            </p>
          ) : null}
          <details>
            <summary className="w-fit rounded-sm py-0.5 select-none">What can be asked for</summary>
            <p className="my-1.5 max-w-[64ch]">
              Conditions joined by &amp; must all hold; of a field that is named twice, one is enough. A field
              can carry <code className="font-mono">__ne</code>, <code className="font-mono">__in</code>,{" "}
              <code className="font-mono">__contains</code>, <code className="font-mono">__startswith</code>{" "}
              or <code className="font-mono">__isnull</code>.
            </p>
            <ul className="grid gap-x-4 md:grid-cols-2">
              {FILTER_WORDS.map(({ name, text, example }) => (
                <li key={name} className="flex min-h-6 min-w-0 items-center gap-2">
                  <button
                    type="button"
                    title={`Add ${example}`}
                    onClick={() => {
                      onChange(addCondition(value, example));
                      field.current?.focus();
                    }}
                    className="min-h-6 w-28 shrink-0 truncate rounded-sm text-left font-mono text-primary underline-offset-4 hover:underline"
                  >
                    {name}
                  </button>
                  <span className="min-w-0 truncate">{text}</span>
                </li>
              ))}
            </ul>
          </details>
        </>
      }
    >
      {(control) => (
        <Input
          {...control}
          ref={field}
          autoComplete="off"
          spellCheck={false}
          maxLength={2000}
          value={value}
          placeholder="tag=payments&to__in=down,degraded"
          onChange={(event) => onChange(event.target.value)}
          className="font-mono text-xs"
        />
      )}
    </Field>
  );
}
