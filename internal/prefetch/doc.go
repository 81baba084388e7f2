// Package prefetch asks the processor to bring memory near before it is used.
//
// A tick goes over thousands of participants, each of which has some kilobytes that were last used 20 ms ago and have left the near caches
// since. Read one after the other, each line is waited for; asked for beforehand, they come at the same time, while the participant before
// is being worked on.
package prefetch
