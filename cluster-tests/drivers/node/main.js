"use strict";
// The event log and the feature store through the Node driver. NODE_PATH names the folder of the installed packages.

const assert = require("node:assert/strict");
const cassandra = require("cassandra-driver");

const { types } = cassandra;
const EVENTS = 1000;
const FEATURES = 100;
const USERS = 10;
const WINDOW = 64;
const START = Date.UTC(2024, 1, 29, 12);
const DAY = new types.LocalDate(2024, 2, 29);

const [contacts, dataCentre, factor, keyspace] = process.argv.slice(2);
const contactPoints = contacts.split(",");

function client(more) {
  return new cassandra.Client({
    contactPoints,
    localDataCenter: dataCentre,
    queryOptions: { prepare: true, consistency: types.consistencies.quorum },
    socketOptions: { readTimeout: 20000, connectTimeout: 20000 },
    ...more,
  });
}

function ok(what) {
  console.log("OK " + what);
}

function timeId(number) {
  const bytes = Buffer.from([0x12, 0x34, number >> 8, number & 0xff, 0x9a, 0xbc, 0x10, 0, 0x80, 0, 1, 2, 3, 4, 5, 6]);
  return new types.TimeUuid(bytes);
}

function userId(number) {
  const bytes = Buffer.alloc(16);
  bytes[0] = 7;
  bytes[15] = number;
  return new types.Uuid(bytes);
}

function properties(number) {
  return { page: "/" + number, ref: "ü" };
}

/** Runs `work` for 0, 1, … count − 1 with a bounded number under way. */
async function windowed(count, work) {
  let next = 0;
  const workers = Array.from({ length: WINDOW }, async () => {
    while (next < count) {
      await work(next++);
    }
  });
  await Promise.all(workers);
}

async function schema(first) {
  await first.execute("DROP KEYSPACE IF EXISTS " + keyspace, [], { prepare: false });
  await first.execute(
    `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': ${factor}}`, [], { prepare: false });
  const session = client({ keyspace });
  await session.connect();
  for (const text of [
    "CREATE TYPE place (street text, number int)",
    `CREATE TABLE events (user text, day date, event_time timestamp, event_id timeuuid, event_type text, amount decimal,
      properties map<text, text>, PRIMARY KEY ((user, day), event_time, event_id)) WITH CLUSTERING ORDER BY (event_time DESC, event_id ASC)`,
    `CREATE TABLE features (user_id uuid PRIMARY KEY, age int, mean double, last_category text, last_seen timestamp,
      recent list<int>, tags set<text>, counts map<text, bigint>, home frozen<place>, embedding blob, vec vector<float, 16>)`,
  ]) {
    await session.execute(text, [], { prepare: false });
  }
  const table = await session.metadata.getTable(keyspace, "events");
  assert.deepEqual(table.partitionKeys.map((column) => column.name), ["user", "day"]);
  assert.deepEqual(table.clusteringOrder, ["DESC", "ASC"]);
  const place = await session.metadata.getUdt(keyspace, "place");
  assert.deepEqual(place.fields.map((field) => field.name), ["street", "number"]);
  ok("schema");
  return session;
}

async function events(session) {
  const write = "INSERT INTO events (user, day, event_time, event_id, event_type, amount, properties) VALUES (?, ?, ?, ?, ?, ?, ?)";
  await windowed(EVENTS, (number) => session.execute(write, [
    "user" + (number % USERS), DAY, new Date(START + number), timeId(number), "click",
    types.BigDecimal.fromString(number + ".50"), properties(number),
  ]));
  for (let user = 0; user < USERS; user++) {
    let expected = EVENTS - USERS + user;
    let rows = 0;
    let pageState;
    do {
      const result = await session.execute("SELECT * FROM events WHERE user = ? AND day = ?", ["user" + user, DAY], { fetchSize: 7, pageState });
      for (const row of result.rows) {
        assert.equal(row.event_time.getTime(), START + expected);
        assert.equal(row.event_id.toString(), timeId(expected).toString());
        assert.equal(row.amount.toString(), expected + ".50");
        assert.deepEqual(row.properties, properties(expected));
        expected -= USERS;
        rows++;
      }
      pageState = result.pageState;
    } while (pageState);
    assert.equal(rows, EVENTS / USERS);
  }
  const count = await session.execute("SELECT count(*) FROM events");
  assert.equal(count.first().count.toNumber(), EVENTS);
  ok("events " + EVENTS);
}

async function features(session) {
  const columns = "user_id, age, mean, last_category, last_seen, recent, tags, counts, home, embedding, vec";
  const write = `INSERT INTO features (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
  const vector = (number) => Float32Array.from({ length: 16 }, (_, at) => number + at / 4);
  const clicks = (number) => types.Long.fromNumber(number).shiftLeft(33);
  await windowed(FEATURES, (number) => session.execute(write, [
    userId(number), number, number / 7, "books", new Date(START), [number, -1], ["a", "b" + number], { clicks: clicks(number) },
    { street: "Main Street", number }, Buffer.from([0, 0xff, number]), new types.Vector(vector(number)),
  ]));
  const read = "SELECT * FROM features WHERE user_id = ?";
  for (let number = 0; number < FEATURES; number++) {
    const row = (await session.execute(read, [userId(number)])).first();
    assert.deepEqual([row.age, row.mean, row.last_category, row.last_seen.getTime()], [number, number / 7, "books", START]);
    assert.deepEqual(row.recent, [number, -1]);
    assert.deepEqual([...row.tags].sort(), ["a", "b" + number]);
    assert.ok(row.counts.clicks.equals(clicks(number)));
    assert.deepEqual({ ...row.home }, { street: "Main Street", number });
    assert.deepEqual([...row.embedding], [0, 0xff, number]);
    assert.deepEqual([...row.vec], [...vector(number)]);
  }
  const unset = types.unset;
  await session.execute(write, [userId(1), 99, unset, unset, unset, unset, unset, unset, unset, unset, unset]);
  const row = (await session.execute(read, [userId(1)])).first();
  assert.deepEqual([row.age, row.last_category], [99, "books"]);
  ok("features " + FEATURES);
}

async function batch(session) {
  const query = "UPDATE features SET age = ? WHERE user_id = ?";
  await session.batch([1, 2].map((number) => ({ query, params: [1, userId(number)] })), { prepare: true, logged: true });
  for (const number of [1, 2]) {
    const row = (await session.execute("SELECT age FROM features WHERE user_id = ?", [userId(number)])).first();
    assert.equal(row.age, 1);
  }
  ok("batch");
}

async function main() {
  const first = client();
  await first.connect();
  assert.equal(first.hosts.length, contactPoints.length);
  ok(`connected, protocol v${first.controlConnection.protocolVersion}, nodes ${first.hosts.length}`);
  const local = await first.metadata.getTable("system", "local");
  assert.equal(local.columnsByName.host_id !== undefined, true);
  ok("metadata");
  const session = await schema(first);
  await events(session);
  await features(session);
  await batch(session);
  await session.execute("DROP KEYSPACE " + keyspace, [], { prepare: false });
  await session.shutdown();
  await first.shutdown();
  ok("done");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
