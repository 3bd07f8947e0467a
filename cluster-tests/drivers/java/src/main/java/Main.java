import com.datastax.oss.driver.api.core.ConsistencyLevel;
import com.datastax.oss.driver.api.core.CqlIdentifier;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.cql.BatchStatement;
import com.datastax.oss.driver.api.core.cql.BatchType;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.Row;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;
import com.datastax.oss.driver.api.core.data.CqlVector;
import com.datastax.oss.driver.api.core.data.UdtValue;
import com.datastax.oss.driver.api.core.metadata.schema.KeyspaceMetadata;
import com.datastax.oss.driver.api.core.metadata.schema.TableMetadata;
import com.datastax.oss.driver.api.core.type.UserDefinedType;
import java.math.BigDecimal;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletionStage;

/** The event log and the feature store through the Java driver 4. */
public final class Main {
  private static final int EVENTS = 1000;
  private static final int FEATURES = 100;
  private static final int USERS = 10;
  private static final Instant START = Instant.parse("2024-02-29T12:00:00Z");
  private static final LocalDate DAY = LocalDate.of(2024, 2, 29);

  private final CqlSession session;
  private final String keyspace;

  private Main(CqlSession session, String keyspace) {
    this.session = session;
    this.keyspace = keyspace;
  }

  public static void main(String[] arguments) {
    List<InetSocketAddress> contacts = new ArrayList<>();
    for (String address : arguments[0].split(",")) {
      contacts.add(new InetSocketAddress(address, 9042));
    }
    DriverConfigLoader settings =
        DriverConfigLoader.programmaticBuilder()
            .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, Duration.ofSeconds(20))
            .withString(DefaultDriverOption.REQUEST_CONSISTENCY, "QUORUM")
            // The driver leaves out the system's own keyspaces unless told.
            .withStringList(DefaultDriverOption.METADATA_SCHEMA_REFRESHED_KEYSPACES, List.of("/.*/"))
            .build();
    try (CqlSession session =
        CqlSession.builder()
            .addContactPoints(contacts)
            .withLocalDatacenter(arguments[1])
            .withConfigLoader(settings)
            .build()) {
      int nodes = session.getMetadata().getNodes().size();
      same("nodes", nodes, contacts.size());
      ok("connected, protocol " + session.getContext().getProtocolVersion() + ", nodes " + nodes);
      new Main(session, arguments[3]).run(arguments[2]);
    }
  }

  private void run(String replicationFactor) {
    require("system_schema is known", session.getMetadata().getKeyspace("system_schema").isPresent());
    require("virtual tables are known", session.getMetadata().getKeyspace("system_virtual_schema").isPresent());
    require("a token map is there", session.getMetadata().getTokenMap().isPresent());
    ok("metadata");
    schema(replicationFactor);
    events();
    features();
    batch();
    session.execute("DROP KEYSPACE " + keyspace);
    ok("done");
  }

  private void schema(String replicationFactor) {
    session.execute("DROP KEYSPACE IF EXISTS " + keyspace);
    session.execute(
        "CREATE KEYSPACE " + keyspace + " WITH replication = {'class': 'SimpleStrategy', 'replication_factor': "
            + replicationFactor + "}");
    session.execute("USE " + keyspace);
    session.execute("CREATE TYPE place (street text, number int)");
    session.execute(
        "CREATE TABLE events (user text, day date, event_time timestamp, event_id timeuuid, event_type text, amount decimal,"
            + " properties map<text, text>, PRIMARY KEY ((user, day), event_time, event_id))"
            + " WITH CLUSTERING ORDER BY (event_time DESC, event_id ASC)");
    session.execute(
        "CREATE TABLE features (user_id uuid PRIMARY KEY, age int, mean double, last_category text, last_seen timestamp,"
            + " recent list<int>, tags set<text>, counts map<text, bigint>, home frozen<place>, embedding blob,"
            + " vec vector<float, 16>)");
    KeyspaceMetadata made = session.refreshSchema().getKeyspace(keyspace).orElseThrow();
    TableMetadata events = made.getTable("events").orElseThrow();
    same("partition key", names(events.getPartitionKey()), List.of("user", "day"));
    same("clustering", events.getClusteringColumns().toString().contains("DESC"), true);
    same("vector", made.getTable("features").orElseThrow().getColumn("vec").orElseThrow().getType().asCql(true, false),
        "vector<float, 16>");
    require("the user type is known", made.getUserDefinedType("place").isPresent());
    ok("schema");
  }

  private static List<String> names(List<com.datastax.oss.driver.api.core.metadata.schema.ColumnMetadata> columns) {
    return columns.stream().map(column -> column.getName().asInternal()).toList();
  }

  private static UUID timeId(int number) {
    return new UUID(0x123456789abc1000L + ((long) number << 32), 0x8000010203040506L);
  }

  private void events() {
    PreparedStatement write =
        session.prepare("INSERT INTO events (user, day, event_time, event_id, event_type, amount, properties) VALUES (?, ?, ?, ?, ?, ?, ?)");
    List<CompletionStage<AsyncResultSet>> pending = new ArrayList<>();
    for (int number = 0; number < EVENTS; number++) {
      pending.add(
          session.executeAsync(
              write.bind("user" + number % USERS, DAY, START.plusMillis(number), timeId(number), "click",
                  new BigDecimal(number + ".50"), Map.of("page", "/" + number, "ref", "ü"))));
    }
    pending.forEach(each -> each.toCompletableFuture().join());
    PreparedStatement read = session.prepare("SELECT * FROM events WHERE user = ? AND day = ?");
    for (int user = 0; user < USERS; user++) {
      int expected = EVENTS - USERS + user;
      int rows = 0;
      for (Row row : session.execute(read.bind("user" + user, DAY).setPageSize(7))) {
        same("event_time", row.getInstant("event_time"), START.plusMillis(expected));
        same("event_id", row.getUuid("event_id"), timeId(expected));
        same("amount", row.getBigDecimal("amount"), new BigDecimal(expected + ".50"));
        same("properties", row.getMap("properties", String.class, String.class), Map.of("page", "/" + expected, "ref", "ü"));
        expected -= USERS;
        rows++;
      }
      same("rows of a user", rows, EVENTS / USERS);
    }
    same("count", session.execute("SELECT count(*) FROM events").one().getLong(0), (long) EVENTS);
    ok("events " + EVENTS);
  }

  private static ByteBuffer blob(int number) {
    return ByteBuffer.wrap(new byte[] {0, (byte) 0xff, (byte) number});
  }

  private static CqlVector<Float> vector(int number) {
    List<Float> values = new ArrayList<>();
    for (int at = 0; at < 16; at++) {
      values.add(number + at / 4f);
    }
    return CqlVector.newInstance(values);
  }

  private void features() {
    UserDefinedType place =
        session.getMetadata().getKeyspace(CqlIdentifier.fromCql(keyspace)).orElseThrow().getUserDefinedType("place").orElseThrow();
    PreparedStatement write =
        session.prepare("INSERT INTO features (user_id, age, mean, last_category, last_seen, recent, tags, counts, home, embedding, vec)"
            + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (int number = 0; number < FEATURES; number++) {
      UdtValue home = place.newValue("Main Street", number);
      session.execute(
          write.bind(new UUID(7, number), number, number / 7.0, "books", START, List.of(number, -1), Set.of("a", "b" + number),
              Map.of("clicks", (long) number << 33), home, blob(number), vector(number)));
    }
    PreparedStatement read = session.prepare("SELECT * FROM features WHERE user_id = ?");
    for (int number = 0; number < FEATURES; number++) {
      Row row = session.execute(read.bind(new UUID(7, number))).one();
      same("age", row.getInt("age"), number);
      same("mean", row.getDouble("mean"), number / 7.0);
      same("last_category", row.getString("last_category"), "books");
      same("last_seen", row.getInstant("last_seen"), START);
      same("recent", row.getList("recent", Integer.class), List.of(number, -1));
      same("tags", row.getSet("tags", String.class), Set.of("a", "b" + number));
      same("counts", row.getMap("counts", String.class, Long.class), Map.of("clicks", (long) number << 33));
      same("home", row.getUdtValue("home").getInt("number"), number);
      same("embedding", row.getByteBuffer("embedding"), blob(number));
      same("vec", row.getVector("vec", Float.class), vector(number));
    }
    // Unset values leave their columns alone.
    session.execute(write.boundStatementBuilder().setUuid("user_id", new UUID(7, 1)).setInt("age", 99).build());
    Row row = session.execute(read.bind(new UUID(7, 1))).one();
    same("unset", row.getInt("age") + row.getString("last_category"), "99books");
    ok("features " + FEATURES);
  }

  private void batch() {
    BatchStatement batch =
        BatchStatement.newInstance(BatchType.LOGGED,
                SimpleStatement.newInstance("UPDATE features SET age = 1 WHERE user_id = ?", new UUID(7, 1)),
                SimpleStatement.newInstance("UPDATE features SET age = 1 WHERE user_id = ?", new UUID(7, 2)))
            .setConsistencyLevel(ConsistencyLevel.QUORUM);
    session.execute(batch);
    for (int number = 1; number <= 2; number++) {
      Row row = session.execute(SimpleStatement.newInstance("SELECT age FROM features WHERE user_id = ?", new UUID(7, number))).one();
      same("batch", row.getInt(0), 1);
    }
    ok("batch");
  }

  private static void ok(String what) {
    System.out.println("OK " + what);
  }

  private static void require(String what, boolean holds) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }

  private static void same(String what, Object found, Object expected) {
    if (!expected.equals(found)) {
      throw new AssertionError(what + ": found " + found + ", expected " + expected);
    }
  }
}
