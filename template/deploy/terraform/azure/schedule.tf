locals {
  # Every month, in UTC: minute, hour, day of the month, month, day of the week.
  schedule = "17 3 1 * *"
}
