// Command loadbench measures a running build of Parley with the load generator and the reflector (the kernel's floor for the same
// packets) of the tools folder, and prints a table of the figures against their limits. Costs are ratios to the reflector, measured in
// turn in the same run, because machines are noisy.
//
//	go run ./internal/loadbench -tools DIR -parley bin/parley -write docs/performance.md
package main
