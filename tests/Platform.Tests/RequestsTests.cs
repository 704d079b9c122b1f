using Rollcall.Api.Directory.V1;

namespace Rollcall.Platform.Tests;

public sealed class RequestsTests
{
    [Theory]
    [InlineData(0, 100)]
    [InlineData(7, 7)]
    [InlineData(9999, 500)]
    public void PageSize_IsCoerced(int asked, int expected) => Assert.Equal(expected, Requests.PageSize(asked));

    [Fact]
    public void PageSize_Negative_NamesTheField() =>
        Assert.Equal("page_size", Assert.Throws<AppException>(() => Requests.PageSize(-1)).Field);

    [Theory]
    [InlineData("2026-02-30")]
    [InlineData("1 May")]
    [InlineData("")]
    public void Day_NotADay_NamesTheField(string value) =>
        Assert.Equal("from_day", Assert.Throws<AppException>(() => Requests.Day(value, "from_day")).Field);

    [Fact]
    public void Id_Malformed_NamesTheField() =>
        Assert.Equal("user_id", Assert.Throws<AppException>(() => Requests.Id("42", "user_id")).Field);

    [Fact]
    public void PageToken_SameQueryOtherPageSize_ReadsTheKey()
    {
        var token = PageToken.Write("key", new ListUsersRequest { ClientId = "c", PageSize = 5 });

        Assert.Equal("key", PageToken.Read(token, new ListUsersRequest { ClientId = "c", PageToken = token }));
    }

    [Fact]
    public void PageToken_AnotherClientsQuery_IsRefused()
    {
        var token = PageToken.Write("key", new ListUsersRequest { ClientId = "c" });

        Assert.Throws<AppException>(() => PageToken.Read(token, new ListUsersRequest { ClientId = "d" }));
    }

    [Fact]
    public void DevelopmentClock_FollowsTheSharedFile()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, "30.00:00:00");

        var now = new DevelopmentClock(file).GetUtcNow();

        Assert.InRange(now - TimeProvider.System.GetUtcNow(), TimeSpan.FromDays(29.9), TimeSpan.FromDays(30.1));
        File.Delete(file);
    }
}
