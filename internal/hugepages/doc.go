// Package hugepages asks the system to back the Go heap with large pages.
//
// A tick walks through the memory of every participant once, 50 times a second. With pages of 4 KiB most of these first touches also miss
// the processor's table of pages, which on virtual machines costs twice: a tenth to a seventh of all processor time, measured. Distributions
// differ in whether programs get large pages without asking.
package hugepages
