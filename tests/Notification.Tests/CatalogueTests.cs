using Rollcall.Testing;

namespace Rollcall.Notification.Tests;

public sealed class CatalogueTests(NotificationFixture service)
{
    [Fact]
    public Task EveryTable_WithATenantColumn_IsLocked() => Catalogue.AssertLockedAsync(service.DatabaseName);
}
