package statement

import "testing"

// A text that was not seen before is analyzed once.
func BenchmarkAnalyze(b *testing.B) {
	for name, sql := range map[string]string{
		"short": "select a, b from t where id = $1",
		"long": `select o.id, sum(i.price * i.qty) as total, count(*) filter (where i.x > 3)
			from orders o join items i on i.order_id = o.id left join customers c using (customer_id)
			where o.tenant = $1 and o.created_at::date between $2 and $3 and exists (select 1 from flags f where f.id = o.id)
			group by o.id having count(*) > 1 order by total desc limit 50`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Analyze(sql)
			}
		})
	}
}
