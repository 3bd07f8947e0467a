// The event log and the feature store through gocql 2.
package main

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	"gopkg.in/inf.v0"
)

const (
	events   = 1000
	features = 100
	users    = 10
	writers  = 32
)

var (
	start = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	day   = time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)
)

type place struct {
	Street string `cql:"street"`
	Number int    `cql:"number"`
}

func main() {
	contacts := strings.Split(os.Args[1], ",")
	cluster := gocql.NewCluster(contacts...)
	cluster.PoolConfig.HostSelectionPolicy = policy(os.Args[2])
	cluster.Timeout = 20 * time.Second
	cluster.ConnectTimeout = 20 * time.Second
	cluster.Consistency = gocql.Quorum
	session, err := cluster.CreateSession()
	check(err)
	defer session.Close()
	ok("connected")
	// A policy belongs to one session.
	cluster.PoolConfig.HostSelectionPolicy = policy(os.Args[2])
	run(session, cluster, os.Args[3], os.Args[4], len(contacts))
}

func policy(dataCentre string) gocql.HostSelectionPolicy {
	return gocql.TokenAwareHostPolicy(gocql.DCAwareRoundRobinPolicy(dataCentre))
}

func run(session *gocql.Session, cluster *gocql.ClusterConfig, factor, keyspace string, nodes int) {
	system, err := session.KeyspaceMetadata("system")
	check(err)
	if _, there := system.Tables["local"]; !there {
		fail("system.local is not in the metadata")
	}
	var peers int
	check(session.Query("SELECT count(*) FROM system.peers").Scan(&peers))
	same("peers", peers, nodes-1)
	ok("metadata")
	execute(session, "DROP KEYSPACE IF EXISTS "+keyspace)
	execute(session, "CREATE KEYSPACE "+keyspace+" WITH replication = {'class': 'SimpleStrategy', 'replication_factor': "+factor+"}")
	cluster.Keyspace = keyspace
	inside, err := cluster.CreateSession()
	check(err)
	defer inside.Close()
	schema(inside, keyspace)
	writeEvents(inside)
	writeFeatures(inside)
	batch(inside)
	execute(inside, "DROP KEYSPACE "+keyspace)
	ok("done")
}

func schema(session *gocql.Session, keyspace string) {
	execute(session, "CREATE TYPE place (street text, number int)")
	execute(session, `CREATE TABLE events (user text, day date, event_time timestamp, event_id timeuuid, event_type text, amount decimal,
		properties map<text, text>, PRIMARY KEY ((user, day), event_time, event_id)) WITH CLUSTERING ORDER BY (event_time DESC, event_id ASC)`)
	execute(session, `CREATE TABLE features (user_id uuid PRIMARY KEY, age int, mean double, last_category text, last_seen timestamp,
		recent list<int>, tags set<text>, counts map<text, bigint>, home frozen<place>, embedding blob, vec vector<float, 16>)`)
	// The driver's own copy follows the server's events.
	made, err := session.KeyspaceMetadata(keyspace)
	for waited := 0; err == nil && (made.Tables["features"] == nil || made.Tables["events"] == nil) && waited < 200; waited++ {
		time.Sleep(50 * time.Millisecond)
		made, err = session.KeyspaceMetadata(keyspace)
	}
	check(err)
	table := made.Tables["events"]
	if table == nil || made.Tables["features"] == nil {
		fail("the tables are not in the metadata")
	}
	same("partition key", []string{table.PartitionKey[0].Name, table.PartitionKey[1].Name}, []string{"user", "day"})
	same("clustering", []string{table.ClusteringColumns[0].ClusteringOrder, table.ClusteringColumns[1].ClusteringOrder}, []string{"desc", "asc"})
	same("user types", len(made.UserTypes), 1)
	ok("schema")
}

func timeID(number int) gocql.UUID {
	var id gocql.UUID
	copy(id[:], []byte{0x12, 0x34, byte(number >> 8), byte(number), 0x9a, 0xbc, 0x10, 0, 0x80, 0, 1, 2, 3, 4, 5, 6})
	return id
}

func user(number int) string { return fmt.Sprintf("user%d", number%users) }

func properties(number int) map[string]string {
	return map[string]string{"page": fmt.Sprintf("/%d", number), "ref": "ü"}
}

func writeEvents(session *gocql.Session) {
	const text = "INSERT INTO events (user, day, event_time, event_id, event_type, amount, properties) VALUES (?, ?, ?, ?, ?, ?, ?)"
	numbers := make(chan int)
	outcomes := make(chan error, writers)
	for writer := 0; writer < writers; writer++ {
		go func() {
			var failed error
			for number := range numbers {
				at := start.Add(time.Duration(number) * time.Millisecond)
				amount := inf.NewDec(int64(number)*100+50, 2)
				if err := session.Query(text, user(number), day, at, timeID(number), "click", amount, properties(number)).Exec(); err != nil {
					failed = err
				}
			}
			outcomes <- failed
		}()
	}
	for number := 0; number < events; number++ {
		numbers <- number
	}
	close(numbers)
	for writer := 0; writer < writers; writer++ {
		check(<-outcomes)
	}
	for each := 0; each < users; each++ {
		readUser(session, each)
	}
	var count int64
	check(session.Query("SELECT count(*) FROM events").Scan(&count))
	same("count", count, int64(events))
	ok(fmt.Sprintf("events %d", events))
}

func readUser(session *gocql.Session, each int) {
	rows := session.Query("SELECT event_time, event_id, amount, properties FROM events WHERE user = ? AND day = ?", user(each), day).PageSize(7).Iter()
	expected, count := events-users+each, 0
	var at time.Time
	var id gocql.UUID
	var amount *inf.Dec
	var found map[string]string
	for rows.Scan(&at, &id, &amount, &found) {
		same("event_time", at.UTC(), start.Add(time.Duration(expected)*time.Millisecond))
		same("event_id", id, timeID(expected))
		same("amount", amount.String(), fmt.Sprintf("%d.50", expected))
		same("properties", found, properties(expected))
		expected -= users
		count++
	}
	check(rows.Close())
	same("rows of a user", count, events/users)
}

func userID(number int) gocql.UUID {
	var id gocql.UUID
	id[0], id[15] = 7, byte(number)
	return id
}

func vector(number int) []float32 {
	values := make([]float32, 16)
	for at := range values {
		values[at] = float32(number) + float32(at)/4
	}
	return values
}

func writeFeatures(session *gocql.Session) {
	const text = `INSERT INTO features (user_id, age, mean, last_category, last_seen, recent, tags, counts, home, embedding, vec)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	for number := 0; number < features; number++ {
		check(session.Query(text, userID(number), number, float64(number)/7, "books", start, []int{number, -1},
			[]string{"a", fmt.Sprintf("b%d", number)}, map[string]int64{"clicks": int64(number) << 33}, place{"Main Street", number},
			[]byte{0, 0xff, byte(number)}, vector(number)).Exec())
	}
	for number := 0; number < features; number++ {
		readFeatures(session, number)
	}
	check(session.Query(text, userID(1), 99, gocql.UnsetValue, gocql.UnsetValue, gocql.UnsetValue, gocql.UnsetValue, gocql.UnsetValue,
		gocql.UnsetValue, gocql.UnsetValue, gocql.UnsetValue, gocql.UnsetValue).Exec())
	var age int
	var category string
	check(session.Query("SELECT age, last_category FROM features WHERE user_id = ?", userID(1)).Scan(&age, &category))
	same("unset", fmt.Sprintf("%d %s", age, category), "99 books")
	ok(fmt.Sprintf("features %d", features))
}

func readFeatures(session *gocql.Session, number int) {
	var age int
	var mean float64
	var category string
	var seen time.Time
	var recent []int
	var tags []string
	var counts map[string]int64
	var home place
	var embedding []byte
	var vec []float32
	check(session.Query("SELECT age, mean, last_category, last_seen, recent, tags, counts, home, embedding, vec FROM features WHERE user_id = ?",
		userID(number)).Scan(&age, &mean, &category, &seen, &recent, &tags, &counts, &home, &embedding, &vec))
	sort.Strings(tags)
	same("age", age, number)
	same("mean", mean, float64(number)/7)
	same("last_category", category, "books")
	same("last_seen", seen.UTC(), start)
	same("recent", recent, []int{number, -1})
	same("tags", tags, []string{"a", fmt.Sprintf("b%d", number)})
	same("counts", counts, map[string]int64{"clicks": int64(number) << 33})
	same("home", home, place{"Main Street", number})
	same("embedding", bytes.Equal(embedding, []byte{0, 0xff, byte(number)}), true)
	same("vec", vec, vector(number))
}

func batch(session *gocql.Session) {
	both := session.Batch(gocql.LoggedBatch)
	for number := 1; number <= 2; number++ {
		both.Query("UPDATE features SET age = ? WHERE user_id = ?", 1, userID(number))
	}
	check(both.Exec())
	for number := 1; number <= 2; number++ {
		var age int
		check(session.Query("SELECT age FROM features WHERE user_id = ?", userID(number)).Scan(&age))
		same("batch", age, 1)
	}
	ok("batch")
}

func execute(session *gocql.Session, text string) { check(session.Query(text).Exec()) }

func ok(what string) { fmt.Println("OK", what) }

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func fail(what string) { panic(what) }

func same(what string, found, expected any) {
	if !reflect.DeepEqual(found, expected) {
		fail(fmt.Sprintf("%s: found %v, expected %v", what, found, expected))
	}
}
