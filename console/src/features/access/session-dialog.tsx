"use client";

import { Dialog } from "@/components/ui/dialog";
import { SignInForm } from "./sign-in-form";

/** Signs in again where the person is, so that nothing they were doing is lost. */
export function SessionDialog({ open }: { open: boolean }) {
  return (
    <Dialog
      open={open}
      dismissible={false}
      title="Your session has ended"
      description="Sign in again to go on. Nothing on this page is lost."
    >
      <SignInForm token={null} onDone={() => undefined} />
    </Dialog>
  );
}
