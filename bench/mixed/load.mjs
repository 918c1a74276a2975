// So many requests a second by a clock that does not wait for answers: a late answer counts from when its request was due.
// Arguments: URL, API key, requests a second, seconds, file with {organisation, instances, components, definition}.
// Prints one JSON object.
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";

const [url, key, perSecond, seconds, file] = process.argv.slice(2);
const { instances, components, definition } = JSON.parse(readFileSync(file, "utf8"));
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const took = { read: [], write: [] };
const statuses = {};
let failed = 0;
let open = 0;

const pick = (list, number) => list[number % list.length];

// Ten requests make one round: eight reads, two writes.
function next(number) {
  const component = pick(components, number * 7);
  const instance = pick(instances, number);
  switch (number % 10) {
    case 0:
    case 1:
    case 2:
      return ["GET", `/components/${component}`];
    case 3:
      return ["GET", `/components/${component}?include=health,instance`];
    case 4:
      return ["GET", `/components?instance=${instance}&limit=20&sort=-updated_at`];
    case 5:
      return ["GET", `/instances/${instance}/health`];
    case 6:
      return ["GET", `/tree?root=${instance}&include=health`];
    case 7:
      return ["GET", `/journal?entity=${component}&limit=10&sort=-id`];
    case 8:
      return ["PATCH", `/components/${component}`, { description: `change ${number}` }];
    default:
      return ["POST", "/components", { instance, definition, key: `made-${process.pid}-${number}`, name: `Made ${number}` }];
  }
}

function send(number, dueMs) {
  const [method, path, body] = next(number);
  const text = body && JSON.stringify(body);
  const headers = { authorization: `Bearer ${key}`, ...(text && { "content-type": "application/json", "content-length": Buffer.byteLength(text) }) };
  open++;
  const end = (ok) => {
    open--;
    if (!ok) failed++;
    took[body ? "write" : "read"].push(performance.now() - dueMs);
  };
  const sent = request(url + "/api/v1" + path, { method, headers, agent }, (response) => {
    statuses[response.statusCode] = (statuses[response.statusCode] ?? 0) + 1;
    response.on("data", () => {});
    response.on("end", () => end(response.statusCode < 300));
    response.on("error", () => end(false));
  });
  sent.on("error", () => end(false));
  sent.end(text);
}

const total = perSecond * seconds;
const started = performance.now();
for (let number = 0; number < total; ) {
  const due = Math.min(total, Math.floor(((performance.now() - started) * perSecond) / 1000));
  for (; number < due; number++) send(number, started + (number * 1000) / perSecond);
  await new Promise((resolve) => setTimeout(resolve, 1));
}
while (open > 0) await new Promise((resolve) => setTimeout(resolve, 10));

const share = (list, part) => list.sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))];
const all = [...took.read, ...took.write];
const of = (list) => ({ p50: share(list, 0.5), p99: share(list, 0.99), max: share(list, 1) });
console.log(JSON.stringify({ total, failed, statuses, all: of(all), read: of(took.read), write: of(took.write) }));
process.exit(0);
