package conference

// Prompt names something to say; the names are those of the library of prompts.
type Prompt string

// What the machine has said to a participant.
const (
	SayWelcome             Prompt = "welcome"
	SayConferenceNumber    Prompt = "conference-number"
	SayConferenceUnknown   Prompt = "conference-unknown"
	SayConferenceLocked    Prompt = "conference-locked"
	SayConferenceFull      Prompt = "conference-full"
	SayConferenceEnded     Prompt = "conference-ended"
	SayConferenceBusy      Prompt = "conference-busy"
	SayNotAllowed          Prompt = "not-allowed"
	SayEnterPIN            Prompt = "enter-pin"
	SayEnterModeratorPIN   Prompt = "enter-moderator-pin"
	SayPINWrong            Prompt = "pin-wrong"
	SayNothingEntered      Prompt = "nothing-entered"
	SayTooManyAttempts     Prompt = "too-many-attempts"
	SayPressOneToJoin      Prompt = "press-one-to-join"
	SayGoodbye             Prompt = "goodbye"
	SayEntering            Prompt = "entering"
	SayEnteringAsModerator Prompt = "entering-moderator"
	SayYourName            Prompt = "say-your-name"
	SayInvalidKey          Prompt = "invalid-key"
)
