// Package webhook posts events to receivers over HTTP, in the form of Standard Webhooks (https://www.standardwebhooks.com), for
// which there are libraries that verify signatures in most languages.
//
// A request has the event as its JSON body and
//
//	webhook-id: the identifier of the event, the same in every attempt
//	webhook-timestamp: when the attempt was made, in seconds since 1970
//	webhook-signature: v1,BASE64 of HMAC-SHA-256 of "ID.TIMESTAMP.BODY" by the secret of the hook
//	parley-event, parley-conference: type and conference, for routing without reading the body
//	parley-attempt: 1 for the first
//
// A [Sender] never keeps who calls [Sender.Publish] waiting. Each hook has a queue of its own; in it the events of one conference
// go out one after the other, in order, each until a 2xx answers it, while those of other conferences overtake it. Attempts that
// fail are repeated with exponential back-off and jitter. An event may come twice (the answer to the first may have been lost) but
// is given up only when it is too old, when it is answered by 410 or 413, when there is no room any more, or at the end of the
// process without [Config.Keep]; it is then a dead letter, which is counted and handed to [Config.Dead].
package webhook
