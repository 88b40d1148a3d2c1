"""How dates and times read where Django writes them itself: with the weekday, and instants with their zone."""

DATE_FORMAT = "D M j, Y"
TIME_FORMAT = "g:i A"
DATETIME_FORMAT = "D M j, Y, g:i A T"
SHORT_DATE_FORMAT = DATE_FORMAT
SHORT_DATETIME_FORMAT = DATETIME_FORMAT
TIME_INPUT_FORMATS = ["%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M%p"]
