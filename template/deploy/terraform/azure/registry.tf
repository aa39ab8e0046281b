# Images come and go with an identity: there is no admin, and nobody pulls without a name.
resource "azurerm_container_registry" "images" {
  #checkov:skip=CKV_AZURE_139:CI pushes from outside, signed in; a network of its own takes Premium, ten times the price
  #checkov:skip=CKV_AZURE_163:Defender looks for vulnerabilities, which is for the whole subscription to have or not
  #checkov:skip=CKV_AZURE_164:content trust takes Premium, and is being retired
  #checkov:skip=CKV_AZURE_165:everything runs in one region, and copies take Premium
  #checkov:skip=CKV_AZURE_166:quarantine takes Premium, and somebody who releases each image
  #checkov:skip=CKV_AZURE_167:retention takes Premium; every image here has a tag
  #checkov:skip=CKV_AZURE_233:copies in zones take Premium; images can be built again
  #checkov:skip=CKV_AZURE_237:data endpoints of its own take Premium
  name                = "${local.short}${local.suffix}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  tags                = local.tags

  sku           = "Basic"
  admin_enabled = false
}
