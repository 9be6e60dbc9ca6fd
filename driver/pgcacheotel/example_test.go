package pgcacheotel_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/gopgcache/pgcache/driver"
	"github.com/gopgcache/pgcache/driver/pgcacheotel"
)

func Example() {
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader())) // yours has an exporter
	defer func() { _ = meters.Shutdown(context.Background()) }()
	otel.SetMeterProvider(meters)

	db, err := driver.OpenDB("postgres://app@db/shop?pgcache_rule=hot: table=products ttl=10m", pgcacheotel.New())
	if err != nil {
		fmt.Println(err)
		return
	}
	// ...
	fmt.Println(db.Close())
	// Output: <nil>
}
