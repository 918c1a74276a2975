import type { NextConfig } from "next";

// The build makes static files only: em-control serves ./out, so nothing here may need a Node server.
// In `next dev` the API of a running em-control is proxied instead.
const apiOrigin = process.env.EM_URL ?? "http://127.0.0.1:8080";
const dev = process.env.NODE_ENV === "development";

const config: NextConfig = {
  ...(dev
    ? {
        skipTrailingSlashRedirect: true, // else /api/x is redirected to /api/x/ before the proxy sees it
        rewrites: async () => [
          { source: "/api/:path*", destination: `${apiOrigin}/api/:path*` },
          { source: "/socket.io/:path*", destination: `${apiOrigin}/socket.io/:path*` },
        ],
      }
    : { output: "export" as const }),
  trailingSlash: true,
  reactStrictMode: true,
  poweredByHeader: false,
  images: { unoptimized: true },
  typescript: { ignoreBuildErrors: true }, // the type gate is `npm run typecheck`
  experimental: { optimizePackageImports: ["lucide-react"] },
};

export default config;
