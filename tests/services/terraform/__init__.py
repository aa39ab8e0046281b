"""What tests know of Terraform without a provider: its language, and recorded facts."""

from pathlib import Path

FACTS = Path(__file__).parent
# Whose folder of Terraform files holds which provider's resources.
FOLDERS = {"aws": "aws", "google": "gcp", "azurerm": "azure"}
