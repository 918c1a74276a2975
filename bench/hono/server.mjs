// The same two answers by Hono and pg: JSON from memory for a known key, and one row by its id with the caller's organisation
// set for the transaction. Arguments: the folder of PostgreSQL's socket, the key, the answer from memory. Prints its port.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import pg from "pg";

const [socket, key, remembered] = process.argv.slice(2);
const pool = new pg.Pool({ host: socket, user: "em", database: "environment_manager", max: 10 });
const app = new Hono();
const row = { name: "component_get", text: "SELECT row_to_json(item) AS object, version FROM component_item item WHERE id = $1::uuid" };

app.use(async (context, next) => {
  if (context.req.header("authorization") !== `Bearer ${key}`) return context.json({ status: 401 }, 401);
  await next();
});
app.get("/memory/:id", (context) => context.json(JSON.parse(remembered)));
app.get("/components/:id", async (context) => {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await client.query({ name: "org", text: "SELECT set_config('em.org', $1, true)", values: [""] });
    const found = await client.query({ ...row, values: [context.req.param("id")] });
    await client.query("COMMIT");
    if (found.rows.length === 0) return context.json({ status: 404 }, 404);
    return context.json(found.rows[0].object, 200, { ETag: `"${found.rows[0].version}"` });
  } finally {
    client.release();
  }
});
serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, (info) => console.log(info.port));
