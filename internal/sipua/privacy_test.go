package sipua

import "testing"

// Shows CE-AUT-10.
func TestWantsPrivacy(t *testing.T) {
	for value, want := range map[string]bool{
		"id": true, "user": true, "header": true, "session; Header": true, "id;critical": true, "USER": true,
		"none": false, "session": false, "critical": false, "identity": false, "": false,
	} {
		if got := WantsPrivacy(Headers{{Name: "Privacy", Value: value}}); got != want {
			t.Errorf("Privacy: %s: %v", value, got)
		}
	}
	if WantsPrivacy(nil) {
		t.Error("nobody has asked")
	}
}
