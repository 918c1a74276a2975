"use client";

import { CircleAlert } from "lucide-react";
import { useId, useState, type FormEvent } from "react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { readProof, signInProblem } from "./proof";
import { useSignIn } from "./queries";

/** Signs in with the token of a link when there is one, else with whatever the person pastes. */
export function SignInForm({ token, onDone }: { token: string | null; onDone: () => void }) {
  const [text, setText] = useState("");
  const [unreadable, setUnreadable] = useState(false);
  const [other, setOther] = useState(false);
  const signIn = useSignIn();
  const field = useId();
  const byLink = token !== null && !other;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const proof = byLink ? { token } : readProof(text);
    setUnreadable(proof === null);
    if (proof) signIn.mutate(proof, { onSuccess: onDone, onError: () => setOther(true) });
  };

  const problem = unreadable
    ? "This is neither a sign-in link nor an API key. A key starts with em_key_."
    : signIn.isError
      ? signInProblem(signIn.error)
      : null;

  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      {byLink ? (
        <p className="text-muted-foreground">Your one-time link is ready. It is used up when you sign in.</p>
      ) : (
        <div className="flex flex-col gap-1.5">
          <label htmlFor={field} className="font-medium">
            One-time link or API key
          </label>
          <Input
            id={field}
            value={text}
            onChange={(event) => setText(event.target.value)}
            autoComplete="off"
            spellCheck={false}
            autoFocus
            aria-invalid={problem !== null}
            aria-describedby={`${field}-help`}
            className="font-mono text-xs"
          />
          <p id={`${field}-help`} className="text-xs text-muted-foreground">
            Print a fresh link on the server with
            <code className="mt-0.5 block font-mono text-foreground">em-control sign-in-link --data DIR</code>
          </p>
        </div>
      )}
      {problem ? (
        <p role="alert" className="flex gap-2 rounded-md bg-down-bg px-2.5 py-2 text-down">
          <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
          {problem}
        </p>
      ) : null}
      <Button
        type="submit"
        variant="primary"
        size="md"
        disabled={signIn.isPending || (!byLink && text === "")}
      >
        {signIn.isPending ? "Signing in…" : "Sign in"}
      </Button>
    </form>
  );
}
