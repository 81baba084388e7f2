// Package conformance makes docs/conformance.md: for each row of the tables in testdata/conformance, which say what the RFCs ask of us, the
// tests that show it. A test shows a row by naming its identifier in a comment of its own, in Go as in a scenario of SIPp:
//
//	// A refresh that is answered 481, or not at all, ends the call.
//	//
//	// Shows FO-TIM-12.
//	func TestRefreshOfTheDead(t *testing.T) {
//
// The page is made anew by "make conformance"; the package's test fails when it is not what the tests now say.
package conformance
