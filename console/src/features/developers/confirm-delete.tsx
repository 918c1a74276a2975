"use client";

import { useState, type FormEvent } from "react";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Input } from "@/components/ui/input";

const WORD = "delete";

/** Asks for the word before something is deleted for real. */
export function ConfirmDelete({
  url,
  onConfirm,
  onClose,
}: {
  url: string;
  onConfirm: () => void;
  onClose: () => void;
}) {
  const [text, setText] = useState("");
  const ready = text.trim().toLowerCase() === WORD;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) onConfirm();
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => (open ? undefined : onClose())}
      title="Delete for real?"
      description="This is no dry run. A dry run shows first what would go."
    >
      <form onSubmit={submit} className="flex flex-col gap-3">
        <code className="font-mono text-xs break-all">DELETE {url}</code>
        <label className="flex flex-col gap-1.5 font-medium">
          Type “{WORD}” to go on
          <Input
            autoFocus
            autoComplete="off"
            spellCheck={false}
            value={text}
            onChange={(event) => setText(event.target.value)}
            className="font-normal"
          />
        </label>
        <div className="flex justify-end gap-2">
          <Button size="md" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" size="md" disabled={!ready}>
            Delete
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
