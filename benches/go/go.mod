module windlass-bench

go 1.22
