// Package cdr writes call detail records: one JSON object per line for every conference that was held, every call to or from
// one, those that were refused among them, and every recording.
//
// A [Keeper] is fed by the hooks of a focus and never keeps it waiting: what it is told goes into a queue. One goroutine works
// that off. It follows the events to know what a call record alone does not tell (for how long somebody was muted or recorded,
// who recorded him), writes the lines through a [Log] and hands the records to whoever else wants them.
//
//	hooks.Event, hooks.CallEnded, hooks.RecordingEnded = keeper.Event, keeper.CallEnded, keeper.RecordingEnded
//
// A [Log] is a file with rotation by size and age. A line is in it as a whole or not at all. What cannot be written waits, up to
// [Config.Queue] lines, and is written when it can be; [Stats] tells of it. [Keeper.Close] writes what is left.
package cdr
