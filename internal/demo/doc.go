// Package demo is the main job as a play: callers on different codecs and transports dial into one conference, talk in turn and at once,
// one is muted, one leaves, one joins late, a subscriber follows the roster, and everything is recorded in both modes with a pause.
//
// Afterwards it checks what happened: who was heard by whom, how loud and how late, what each recorded file holds, and that the
// metadata and the files agree. It uses the server only as a stranger would, by SIP, RTP, HTTP and the recorder's files. Run returns an
// error if anything is not as it must be.
package demo
