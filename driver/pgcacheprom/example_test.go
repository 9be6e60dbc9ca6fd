package pgcacheprom_test

import (
	"log"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gopgcache/pgcache/driver"
	"github.com/gopgcache/pgcache/driver/pgcacheprom"
)

func Example() {
	metrics := pgcacheprom.NewCollector("shop")
	db, err := driver.OpenDB("postgres://app@db/shop?pgcache_rule=hot: table=products ttl=10m", metrics.Option())
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	prometheus.MustRegister(metrics, collectors.NewDBStatsCollector(db, "shop"))
	http.Handle("/metrics", promhttp.Handler())
	// Output:
}
