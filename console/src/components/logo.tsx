/** The product's mark. */
export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden className={className}>
      <rect width="32" height="32" rx="7" className="fill-primary" />
      <path
        d="M8 10h16M8 16h10M8 22h13"
        strokeWidth="3"
        strokeLinecap="round"
        className="stroke-primary-foreground"
      />
      <circle cx="24" cy="16" r="2.2" className="fill-primary-foreground" />
    </svg>
  );
}
