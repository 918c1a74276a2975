import { useId, type ReactNode } from "react";

export interface ControlProps {
  id: string;
  "aria-invalid": boolean;
  "aria-describedby": string | undefined;
}

/** A control with its name, what it is for, and what is wrong with it. */
export function Field({
  label,
  aside,
  hint,
  error,
  children,
}: {
  label: string;
  aside?: ReactNode;
  hint?: ReactNode;
  error?: string | undefined;
  children: (control: ControlProps) => ReactNode;
}) {
  const id = useId();
  const described = [error ? `${id}-error` : "", hint ? `${id}-hint` : ""].filter(Boolean).join(" ");
  return (
    <div data-slot="field" className="flex min-w-0 flex-col gap-1.5">
      <div className="flex items-baseline gap-2">
        <label htmlFor={id} className="font-medium">
          {label}
        </label>
        {aside ? <span className="text-xs text-muted-foreground">{aside}</span> : null}
      </div>
      {children({ id, "aria-invalid": Boolean(error), "aria-describedby": described || undefined })}
      <FieldError id={`${id}-error`} error={error} />
      {hint ? (
        <div id={`${id}-hint`} className="text-xs text-muted-foreground">
          {hint}
        </div>
      ) : null}
    </div>
  );
}

export function FieldError({ id, error }: { id?: string; error: string | undefined }) {
  if (!error) return null;
  return (
    <p id={id} role="alert" className="text-xs break-words text-down">
      {error}
    </p>
  );
}

/** What went wrong with a form as a whole. */
export function FormError({ children }: { children: ReactNode }) {
  return (
    <p role="alert" className="rounded-md bg-down-bg px-2.5 py-2 break-words text-down">
      {children}
    </p>
  );
}
