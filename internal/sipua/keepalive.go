package sipua

import "time"

// keepAlive sends pings over a connection that we have made (RFC 5626, section 4.4.1), until it is gone. They keep the bindings of NATs and the
// states of firewalls, and find out that the peer has gone without a word: the system then reports that nothing is acknowledged. A missing
// pong is no reason to close, since peers that do not know of RFC 6223 need not send any.
func (a *Agent) keepAlive(conn *framedConn) {
	longest := a.config.Timers.KeepAlive
	for {
		timer := time.NewTimer(longest - time.Duration(randomUpTo(uint64(longest/5)))) //nolint:gosec,mnd // a fifth of it, RFC 5626
		select {
		case <-timer.C:
		case <-conn.gone:
			timer.Stop()
			return
		case <-a.closed:
			timer.Stop()
			return
		}
		if _, err := conn.Write([]byte("\r\n\r\n")); err != nil {
			_ = conn.Close()
			return
		}
	}
}
