import next from "eslint-config-next/core-web-vitals";
import ts from "eslint-config-next/typescript";

// These inject style or script elements, which the content security policy refuses.
const BANNED = ["@radix-ui/*", "radix-ui", "sonner", "next-themes", "vaul"].map((group) => ({
  group: [group],
  message: "It injects inline styles or scripts: use our primitives on Base UI.",
}));

// app → features → components → lib → openapi: a layer imports only what stands right of it.
const layer = (folder, ...forbidden) => ({
  files: [`src/${folder}/**/*.{ts,tsx}`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          ...BANNED,
          ...forbidden.map((groups) => ({
            group: [groups].flat(),
            message: `src/${folder} may not import it.`,
          })),
        ],
      },
    ],
  },
});

const config = [
  { ignores: ["out/**", ".next/**", "next-env.d.ts", "openapi/types.d.ts", "test-results/**", "shots/**"] },
  ...next,
  ...ts,
  {
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-restricted-imports": ["error", { patterns: BANNED }],
      "no-restricted-syntax": [
        "error",
        {
          selector: "JSXOpeningElement[name.name='style']",
          message: "Inline style elements break the policy.",
        },
      ],
      eqeqeq: ["error", "smart"],
    },
  },
  // A route names its page, so that it carries no other; everything else of a feature comes by its index.
  layer("app", ["@/features/*/*", "!@/features/*/*-page"], "@openapi/*"),
  layer("features", "@/app/*", "@/features/*/*", "@openapi/*"),
  layer("components", "@/app/*", "@/features/*", "@openapi/*"),
  // Playwright's fixtures hand their value on with a function called `use`, which is no hook.
  { files: ["e2e/**"], rules: { "react-hooks/rules-of-hooks": "off" } },
  layer("lib", "@/app/*", "@/features/*", "@/components/*"),
];

export default config;
