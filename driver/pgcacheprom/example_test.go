package pgcacheprom_test

import (
	"fmt"
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
		fmt.Println(err)
		return
	}
	prometheus.MustRegister(metrics, collectors.NewDBStatsCollector(db, "shop"))
	http.Handle("/metrics", promhttp.Handler())
	// ...
	fmt.Println(db.Close())
	// Output: <nil>
}
