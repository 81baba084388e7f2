// Package sparing has what comes in hundreds logged once in a while, with how often it came: a flood of refusals is seen, and is no flood of lines.
package sparing
