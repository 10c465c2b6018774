namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>For tests that make many requests of one client for one user.</summary>
public static class LimitsOff
{
    public static void SwitchOff(this CibaLimitOptions limits) => limits.PendingPerUser = limits.PendingPerUserAndClient = 0;
}
