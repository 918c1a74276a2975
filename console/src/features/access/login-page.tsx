"use client";

import { useRouter } from "next/navigation";
import { useEffect, useState, useSyncExternalStore } from "react";
import { Logo } from "@/components/logo";
import { safeNext } from "@/lib/paths";
import { cn } from "@/lib/utils";
import { SignInForm } from "./sign-in-form";

const never = () => () => undefined;

/** The token of the address's fragment, which no server ever sees. */
function tokenOfFragment(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get("token");
}

/** The sign-in page. Nothing is sent before the person presses the button: link scanners must not use up a link. */
export function LoginPage() {
  const router = useRouter();
  const alive = useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
  const [token, setToken] = useState(() => (typeof location === "undefined" ? null : tokenOfFragment()));

  useEffect(() => {
    const hideFragment = () => {
      if (location.hash) history.replaceState(null, "", location.pathname + location.search);
    };
    // A link opened on this very page changes nothing but the fragment.
    const onHashChange = () => {
      setToken((before) => tokenOfFragment() ?? before);
      hideFragment();
    };
    hideFragment();
    window.addEventListener("hashchange", onHashChange);
    return () => window.removeEventListener("hashchange", onHashChange);
  }, []);

  const done = () => router.replace(safeNext(new URLSearchParams(location.search).get("next")));

  return (
    <main className="grid min-h-dvh place-items-center p-4">
      <div className="w-full max-w-90">
        <div className="mb-6 flex items-center gap-2.5">
          <Logo className="size-7" />
          <h1 className="text-lg font-semibold">Environment Manager</h1>
        </div>
        <div className={cn("rounded-lg border bg-card p-4", !alive && "min-h-44")}>
          {alive ? <SignInForm key={token} token={token} onDone={done} /> : null}
        </div>
      </div>
    </main>
  );
}
