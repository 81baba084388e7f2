// Package trunks keeps us known to the peers by which we call and are called:
// it registers with those that want it (RFC 3261, section 10.2), asks the others
// by OPTIONS whether they are there, and says by which of them a target is
// called.
//
//	set := trunks.New(configs, agent, logger)
//	set.Start()
//	defer set.Close(ctx)
//	uri, trunk, ok := set.Route(target)
//
// All methods may be called from any goroutine.
package trunks
