using Rollcall.Testing;

namespace Rollcall.Reporting.Tests;

public sealed class CatalogueTests(ReportingFixture service)
{
    [Fact]
    public Task EveryTable_WithATenantColumn_IsLocked() => Catalogue.AssertLockedAsync(service.DatabaseName);
}
